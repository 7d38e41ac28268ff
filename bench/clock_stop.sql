SELECT extract(epoch FROM clock_timestamp() - :'started'::timestamptz);
