# A leader logged what nobody else had, and came back while the others had logged nothing since: it is cut off.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/only-here
disk 2 epoch=1 log=0x100000001/a,0x100000002/b
disk 3 epoch=1 log=0x100000001/a,0x100000002/b
start 2 3
run 1s
----
2: looking
3: looking
2: following 3
2>3 FOLLOWERINFO 0x100000000
3: leading
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
2: durable accepted epoch 2
2>3 ACKEPOCH 0x100000002
3: durable epoch 2
3>2 DIFF 0x100000002
3>2 NEWLEADER 0x200000000
2: durable epoch 2
2>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 2 from 0x100000002
2>3 ACK 0x200000000

start 1
run 1s
show 1
----
1: looking
1: following 3
1>3 FOLLOWERINFO 0x100000000
3>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>3 ACKEPOCH 0x100000003
3>1 TRUNC 0x100000002
3>1 NEWLEADER 0x200000000
1: durable cut to 0x100000002
1: durable epoch 2
1>3 ACK 0x200000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000002
1>3 ACK 0x200000000
1: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
