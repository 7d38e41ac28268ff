SELECT pg_backend_pid() \g :pid
COPY calls FROM :'file';
