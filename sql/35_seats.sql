/*
 * Agents online: never more than seats in force, by edition.
 */
CREATE FUNCTION ccc.seats_in_force(account_id bigint, edition text, at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT coalesce(sum(r.quantity), 0)
        FROM ccc.rentals AS r
        WHERE r.account_id = seats_in_force.account_id AND r.edition = seats_in_force.edition
          AND r.since <= at AND r.paid_until > at;
    END;
COMMENT ON FUNCTION ccc.seats_in_force(bigint, text, timestamptz) IS 'seats of an edition that an account has at an instant';
REVOKE ALL ON FUNCTION ccc.seats_in_force(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.seats_in_force(bigint, text, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.agents_online(account_id bigint, at timestamptz DEFAULT now(),
        OUT agent text, OUT edition text, OUT signed_in_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT s.agent, s.edition, s.signed_in_at
        FROM ccc.agent_sessions AS s
        WHERE s.account_id = agents_online.account_id AND s.signed_in_at <= at AND s.signed_out_at > at
        ORDER BY s.signed_in_at, s.session_no;
    END;
COMMENT ON FUNCTION ccc.agents_online(bigint, timestamptz) IS 'agents of an account who are online at an instant, first comers first';
REVOKE ALL ON FUNCTION ccc.agents_online(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.agents_online(bigint, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.seats(account_id bigint, at timestamptz DEFAULT now(),
        OUT edition text, OUT in_force bigint, OUT online bigint, OUT next_end timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT e.edition, ccc.seats_in_force(seats.account_id, e.edition, at),
               (SELECT count(*) FROM ccc.agents_online(seats.account_id, at) AS o WHERE o.edition = e.edition),
               (SELECT min(r.paid_until) FROM ccc.rentals AS r
                WHERE r.account_id = seats.account_id AND r.edition = e.edition AND r.since <= at AND r.paid_until > at)
        FROM (SELECT r.edition FROM ccc.rentals AS r
              WHERE r.account_id = seats.account_id AND r.edition IS NOT NULL AND r.since <= at
              UNION
              SELECT o.edition FROM ccc.agents_online(seats.account_id, at) AS o) AS e
        ORDER BY e.edition COLLATE "C";
    END;
COMMENT ON FUNCTION ccc.seats(bigint, timestamptz) IS
    'seats in force at an instant, agents online on them, and when the next of the lots ends, by edition; more online than in force is an excess that a lot left which ended';
REVOKE ALL ON FUNCTION ccc.seats(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.seats(bigint, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.seat_peaks(account_id bigint, since timestamptz, until timestamptz DEFAULT now(),
        OUT day date, OUT edition text, OUT peak bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    zone text := (SELECT a.time_zone FROM ccc.accounts AS a WHERE a.account_id = seat_peaks.account_id);
BEGIN
    IF NOT isfinite(since) OR NOT isfinite(until) THEN
        RAISE EXCEPTION 'peaks from "%" to "%" are out of range', since, until USING ERRCODE = '22008';
    END IF;
    until := least(until, now());    -- who is online is not known to stay so
    RETURN QUERY
    WITH changes AS (
        SELECT s.edition, c.at, c.delta
        FROM ccc.agent_sessions AS s,
             LATERAL (VALUES (greatest(s.signed_in_at, since), 1), (s.signed_out_at, -1)) AS c (at, delta)
        WHERE s.account_id = seat_peaks.account_id AND s.signed_out_at > since AND s.signed_in_at < until AND c.at < until
        UNION ALL
        -- who is online at a midnight counts for the day that it opens
        SELECT e.edition, timezone(zone, d.midnight), 0
        FROM generate_series(date_trunc('day', timezone(zone, since)) + interval '1 day', timezone(zone, until), interval '1 day') AS d (midnight),
             (VALUES ('standard'), ('premium')) AS e (edition)
        WHERE timezone(zone, d.midnight) < until),
    counts AS (
        SELECT c.edition, c.at, sum(sum(c.delta)) OVER (PARTITION BY c.edition ORDER BY c.at) AS online
        FROM changes AS c GROUP BY c.edition, c.at)
    SELECT timezone(zone, n.at)::date, n.edition, max(n.online)::bigint
    FROM counts AS n
    GROUP BY 1, 2 HAVING max(n.online) > 0
    ORDER BY 1, n.edition COLLATE "C";
END
$$;
COMMENT ON FUNCTION ccc.seat_peaks(bigint, timestamptz, timestamptz) IS
    'most agents online at once, by day of the account''s zone and edition, in a span of time, as far as it is past; days without any are left out; error 22008 a span without an end';
REVOKE ALL ON FUNCTION ccc.seat_peaks(bigint, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.seat_peaks(bigint, timestamptz, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.check_agent(agent text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF agent IS NULL THEN
        RAISE EXCEPTION 'the agent must not be null' USING ERRCODE = '22004';
    ELSIF agent = '' OR octet_length(agent) > 255 THEN
        RAISE EXCEPTION 'an agent''s name has 1 to 255 bytes, not %', octet_length(agent) USING ERRCODE = '22023';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_agent(text) IS 'refuses what is no agent''s name: 22004, 22023';
REVOKE ALL ON FUNCTION ccc.check_agent(text) FROM PUBLIC;

CREATE FUNCTION ccc.check_not_future(what text, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT isfinite(at) THEN
        RAISE EXCEPTION 'a % at "%" is out of range', what, at USING ERRCODE = '22008', HINT = 'It must be finite.';
    ELSIF at > clock_timestamp() THEN
        RAISE EXCEPTION 'a % at "%" is in the future', what, at
            USING ERRCODE = '22023', HINT = 'Leave the instant null: it is now, by the clock of the server.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_not_future(text, timestamptz) IS 'refuses an instant later than the clock (22023), or infinite (22008)';
REVOKE ALL ON FUNCTION ccc.check_not_future(text, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.check_free_seat(account ccc.accounts, edition text, at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    taken record;
BEGIN
    -- those who came later, where that is known already, must have their seats still
    WITH changes (at, agents, seats, counts) AS (
        VALUES (check_free_seat.at, 0, 0, true)
        UNION ALL
        SELECT c.at, c.agents, 0, c.agents > 0
        FROM ccc.agent_sessions AS s,
             LATERAL (VALUES (greatest(s.signed_in_at, check_free_seat.at), 1), (s.signed_out_at, -1)) AS c (at, agents)
        WHERE s.account_id = account.account_id AND s.edition = check_free_seat.edition AND s.signed_out_at > check_free_seat.at
        UNION ALL
        SELECT c.at, 0, c.seats, false
        FROM ccc.rentals AS r,
             LATERAL (VALUES (greatest(r.since, check_free_seat.at), r.quantity), (r.paid_until, -r.quantity)) AS c (at, seats)
        WHERE r.account_id = account.account_id AND r.edition = check_free_seat.edition AND r.paid_until > check_free_seat.at),
    counts AS (
        SELECT c.at, sum(sum(c.seats)) OVER (ORDER BY c.at) AS in_force, sum(sum(c.agents)) OVER (ORDER BY c.at) AS online,
               bool_or(c.counts) AS counts
        FROM changes AS c GROUP BY c.at)
    SELECT n.at, n.in_force, n.online INTO taken
        FROM counts AS n
        WHERE n.counts AND n.in_force <= n.online
        ORDER BY n.at LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no % seat of account % is free', edition, account.account_id
            USING ERRCODE = '23514',
                  DETAIL = format('In force %s, online %s%s.', taken.in_force, taken.online,
                                  (SELECT format('; the next lot ends at %s %s',
                                                 to_char(timezone(account.time_zone, n.next_end), 'YYYY-MM-DD HH24:MI:SS'), account.time_zone)
                                   FROM ccc.seats(account.account_id, taken.at) AS n
                                   WHERE n.edition = check_free_seat.edition AND n.next_end IS NOT NULL)),
                  HINT = 'Sign an agent out, or buy seats.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_free_seat(ccc.accounts, text, timestamptz) IS
    'refuses (23514) one more agent from an instant on where all seats are taken then, or would be missing for one who signed in later';
REVOKE ALL ON FUNCTION ccc.check_free_seat(ccc.accounts, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.sign_in(account_id bigint, agent text, edition text DEFAULT 'standard', at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    SET debug_print_plan = off    -- it would show a writer what the plans are made for
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    came_at timestamptz := coalesce(at, clock_timestamp());    -- of the clock after the lock
    session ccc.agent_sessions;
BEGIN
    PERFORM ccc.check_agent(agent);
    IF edition IS NULL THEN
        RAISE EXCEPTION 'the edition must not be null' USING ERRCODE = '22004';
    ELSIF edition NOT IN ('standard', 'premium') THEN
        RAISE EXCEPTION 'edition "%" is unknown', edition
            USING ERRCODE = '22023', HINT = 'It is "standard" or "premium".';
    END IF;
    PERFORM ccc.check_not_future('sign-in', came_at);
    SELECT * INTO session FROM ccc.agent_sessions AS s
        WHERE s.account_id = sign_in.account_id AND s.agent = sign_in.agent AND s.signed_out_at > came_at
        ORDER BY s.signed_in_at LIMIT 1;
    IF session.signed_in_at > came_at THEN
        RAISE EXCEPTION 'agent "%" of account % signed in later than that already', agent, account_id
            USING ERRCODE = '22023', HINT = 'Give sign-ins of one agent in the order of time.';
    ELSIF session.edition <> edition THEN
        RAISE EXCEPTION 'agent "%" of account % is online on a % seat', agent, account_id, session.edition
            USING ERRCODE = '55000', HINT = 'Sign the agent out first.';
    ELSIF session.edition = edition THEN
        RETURN false;
    END IF;
    PERFORM ccc.check_free_seat(account, edition, came_at);
    INSERT INTO ccc.agent_sessions (account_id, session_no, agent, edition, signed_in_at)
        VALUES (account_id, account.last_session_no + 1, agent, edition, came_at);
    UPDATE ccc.accounts AS a SET last_session_no = account.last_session_no + 1 WHERE a.account_id = sign_in.account_id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccc.sign_in(bigint, text, text, timestamptz) IS
    'puts an agent online on a seat; at null is now; false when the agent is online on such a seat already; errors: 22004 null agent or edition, 22008 infinite, 22023 in the future, unknown edition or signed in later, 23514 no seat is free, 42704 no such account, 55000 online on a seat of the other edition';
REVOKE ALL ON FUNCTION ccc.sign_in(bigint, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.sign_in(bigint, text, text, timestamptz) TO ccc_admin, ccc_writer;

CREATE FUNCTION ccc.end_session(session ccc.agent_sessions, at timestamptz) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    -- a session of no length never was
    DELETE FROM ccc.agent_sessions AS s
        WHERE s.account_id = session.account_id AND s.session_no = session.session_no AND s.signed_in_at = at;
    UPDATE ccc.agent_sessions AS s SET signed_out_at = at
        WHERE s.account_id = session.account_id AND s.session_no = session.session_no;
    -- the same again: who locks the account with an older snapshot gets 40001
    UPDATE ccc.accounts AS a SET last_session_no = a.last_session_no WHERE a.account_id = session.account_id;
    RETURN session.agent;
END
$$;
COMMENT ON FUNCTION ccc.end_session(ccc.agent_sessions, timestamptz) IS 'ends a session at an instant; gives the agent';
REVOKE ALL ON FUNCTION ccc.end_session(ccc.agent_sessions, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.sign_out(account_id bigint, agent text, at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    SET debug_print_plan = off    -- it would show a writer what the plans are made for
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    left_at timestamptz := coalesce(at, clock_timestamp());
    session ccc.agent_sessions;
BEGIN
    PERFORM ccc.check_agent(agent);
    PERFORM ccc.check_not_future('sign-out', left_at);
    SELECT * INTO session FROM ccc.agent_sessions AS s
        WHERE s.account_id = sign_out.account_id AND s.agent = sign_out.agent AND s.signed_out_at > left_at
        ORDER BY s.signed_in_at LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    ELSIF left_at < session.signed_in_at THEN
        RAISE EXCEPTION 'agent "%" of account % cannot sign out at "%"', agent, account_id, left_at
            USING ERRCODE = '22023',
                  HINT = format('The agent signed in at %s %s.', to_char(timezone(account.time_zone, session.signed_in_at), 'YYYY-MM-DD HH24:MI:SS.US'),
                                account.time_zone);
    END IF;
    PERFORM ccc.end_session(session, left_at);
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccc.sign_out(bigint, text, timestamptz) IS
    'takes an agent offline; at null is now; one told late ends the session that lasted longer; false when the agent was offline from then on; errors: 22004 null agent, 22008 infinite, 22023 in the future or before a sign-in, 42704 no such account';
REVOKE ALL ON FUNCTION ccc.sign_out(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.sign_out(bigint, text, timestamptz) TO ccc_admin, ccc_writer;

CREATE FUNCTION ccc.sign_out_excess(account_id bigint, at timestamptz DEFAULT NULL) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    SET debug_print_plan = off    -- it would show a writer what the plans are made for
    AS $$
#variable_conflict use_column
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    cut_at  timestamptz := coalesce(at, clock_timestamp());
BEGIN
    PERFORM ccc.check_not_future('sign-out', cut_at);
    RETURN QUERY
    SELECT ccc.end_session(o.session, cut_at)
    FROM ccc.seats(sign_out_excess.account_id, cut_at) AS e,
         LATERAL (SELECT s AS session FROM ccc.agent_sessions AS s
                  WHERE s.account_id = sign_out_excess.account_id AND s.edition = e.edition
                    AND s.signed_in_at <= cut_at AND s.signed_out_at > cut_at
                  ORDER BY s.signed_in_at DESC, s.session_no DESC
                  LIMIT greatest(e.online - e.in_force, 0)) AS o;
END
$$;
COMMENT ON FUNCTION ccc.sign_out_excess(bigint, timestamptz) IS
    'takes offline, newest first, the agents for whom there are no seats in force, and gives their names; at null is now; errors: 22008 infinite, 22023 in the future, 42704 no such account';
REVOKE ALL ON FUNCTION ccc.sign_out_excess(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.sign_out_excess(bigint, timestamptz) TO ccc_admin, ccc_writer;
