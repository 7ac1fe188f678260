-- needs: stream stream_copy
--
-- KEYS: 1 the source, 2 what goes with it; 3 and 4 those of the target. ARGV: 1 the source's channel, 2 the
-- target's, 3 its TTL in ms or -1.
-- Returns how many events there are in the copy; -1: the target is there. In a cluster the two are
-- in one slot; for those of two: stream_copy_out and stream_copy_in.

local source, target = make_stream(KEYS[1], ARGV[1]), make_stream(KEYS[3], ARGV[2])
if call('EXISTS', target.key) == 1 then return -1 end
if call('COPY', source.key, target.key) == 0 then return 0 end
if call('COPY', source.more, target.more, 'REPLACE') == 0 then call('UNLINK', target.more) end
return settle_copy(target, ARGV[3])
