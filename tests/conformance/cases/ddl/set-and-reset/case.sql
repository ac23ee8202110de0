set 'table.local-time-zone' = 'Asia/Tokyo';
RESET 'table.local-time-zone';
SET 'table.local-time-zone' = 'America/New_York';
select cast(to_timestamp_ltz(0, 3) as string) as z, Cast(TO_TIMESTAMP_LTZ(1710054000, 0) As String) As dst;
