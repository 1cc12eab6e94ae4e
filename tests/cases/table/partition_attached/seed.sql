INSERT INTO events_2025 VALUES ('2025-01-01', 'new year');
