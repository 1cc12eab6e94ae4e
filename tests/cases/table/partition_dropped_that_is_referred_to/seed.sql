INSERT INTO app.orders VALUES (2024, 1), (2025, 1);
INSERT INTO app.invoices VALUES (1, 2025, 1);
