INSERT INTO public.parts VALUES (1, 'bolt', 0.6, 'x');
