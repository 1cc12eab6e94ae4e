insert into orders(v, s) values ('x', 'paid'); insert into lines values (1, 'a@x'); select nextval('counter'), nextval('counter');
