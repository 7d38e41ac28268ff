-- A primary key on the records' ids.
ALTER TABLE calls ADD PRIMARY KEY (call_id);
