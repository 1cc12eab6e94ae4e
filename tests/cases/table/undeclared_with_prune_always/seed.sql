INSERT INTO public.events VALUES ('2026-02-03', 'rain', 'x');
INSERT INTO public.notes VALUES (1, 'good');
