INSERT INTO orders VALUES (1, 10, 'a', 'open', 'sent', '2026-01-01 12:00'), (2, NULL, 'b', 'sent', NULL, NULL);
INSERT INTO items VALUES (1, 1), (2, 2);
