INSERT INTO items VALUES (10, 2.5, '{1.4,2}', '{1,2}', 3);
