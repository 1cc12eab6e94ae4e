CREATE SCHEMA everything;
CREATE TYPE everything.mood AS ENUM ('sad', 'ok');
