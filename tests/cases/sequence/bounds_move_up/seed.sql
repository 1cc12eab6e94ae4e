SELECT nextval('s'), setval('past', 700), setval('within', 300), setval('small', 9);
