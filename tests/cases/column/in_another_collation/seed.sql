INSERT INTO public.users VALUES ('a'), ('B');
