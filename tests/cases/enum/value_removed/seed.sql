INSERT INTO orders VALUES (1, 'sent'), (2, 'open');
