INSERT INTO orders (id, net) VALUES (1, 100), (2, 200);
