INSERT INTO public.t VALUES (1, 'mid'), (2, 'low');
