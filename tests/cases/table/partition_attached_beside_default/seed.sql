INSERT INTO events VALUES ('2024-01-01', 'other');
