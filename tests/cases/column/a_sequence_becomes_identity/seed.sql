INSERT INTO app.users (name) SELECT 'u' || g FROM generate_series(1, 100) g; DELETE FROM app.users WHERE id > 40;
