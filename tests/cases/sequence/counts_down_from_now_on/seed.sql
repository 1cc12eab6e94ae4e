SELECT setval('down', 41), setval('up', -70000), setval('narrow', 900);
