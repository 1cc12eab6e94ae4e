INSERT INTO sales VALUES ('north', 7);
