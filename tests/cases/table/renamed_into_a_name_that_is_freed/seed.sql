insert into new_orders(a,b,c) values ('a','b',5); insert into orders(z) values (5); insert into u values ('p','q');
