INSERT INTO events VALUES ('2025-01-01', 'new year');
