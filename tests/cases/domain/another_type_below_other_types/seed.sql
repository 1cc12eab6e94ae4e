INSERT INTO public.orders VALUES (1, 5, 6, ROW(7, 8), '{9,10}');
