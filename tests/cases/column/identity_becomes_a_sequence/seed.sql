INSERT INTO app.users (name) VALUES ('Ada'), ('Bo');
