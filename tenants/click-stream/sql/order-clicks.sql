-- Two streams joined: every order with the products that its customer looked at, up to ten minutes before and after.
SET 'execution.checkpointing.interval' = '2 s';

CREATE VIEW product_clicks AS
SELECT user_id, path, campaign, event_time FROM clean_clicks WHERE path LIKE '/product/%';

INSERT INTO order_clicks
SELECT /*+ STATE_TTL('o' = '10 min', 'c' = '10 min') */
  o.order_id, o.user_id, o.amount, o.order_time, c.path, c.campaign, c.event_time
FROM orders AS o JOIN product_clicks AS c ON o.user_id = c.user_id;
