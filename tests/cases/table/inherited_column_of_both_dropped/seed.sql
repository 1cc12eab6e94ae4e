INSERT INTO public.capitals (name, altitude, state) VALUES ('Bern', 540, 'BE');
