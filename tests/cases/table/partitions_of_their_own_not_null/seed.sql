CREATE TABLE events_rest (at date NOT NULL);
ALTER TABLE events ATTACH PARTITION events_rest DEFAULT;
