INSERT INTO items VALUES ('a', 'b', 1.5, 2.5);
