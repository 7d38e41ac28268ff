SELECT ccc.replay(1) AS moved \g :moved
