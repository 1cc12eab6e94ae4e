INSERT INTO public.doc VALUES (1, 'pending');
