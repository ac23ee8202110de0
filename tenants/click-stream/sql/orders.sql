-- Orders, as a shop's back end would send them: one for every checkout of a signed-in user.
SET 'execution.checkpointing.interval' = '2 s';

INSERT INTO orders
SELECT event_id, user_id, CAST(20 + 5 * CHAR_LENGTH(user_id) AS DECIMAL(10, 2)), event_time
FROM clean_clicks
WHERE path = '/checkout' AND user_id <> 'anonymous';
