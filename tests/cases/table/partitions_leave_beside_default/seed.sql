INSERT INTO events VALUES ('2024-05-01', 'gone'), ('2025-05-01', 'kept'), ('2030-05-01', 'far');
