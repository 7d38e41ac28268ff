UPDATE calls SET seconds = seconds + 60 WHERE call_id < '8';
