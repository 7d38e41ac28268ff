DELETE FROM calls WHERE call_id < '8';
