# The leader goes while the tree that it sent is not stored: the member looks with what its disk has, not with what it was sent.
ensemble voters=3 history=1
disk 1 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=3
disk 2 epoch=1 log=0x100000001/a,0x100000002/b,0x100000003/c snapshot=3
disk 3 epoch=1 log=0x100000001/a
start 1 2
run 1s
hold 2>3 NEWLEADER
start 3
run 1s
----
1: looking
2: looking
1: following 2
1>2 FOLLOWERINFO 0x100000000
2: leading
2: durable accepted epoch 2
2>1 LEADERINFO 0x200000000
1: durable accepted epoch 2
1>2 ACKEPOCH 0x100000003
2: durable epoch 2
2>1 DIFF 0x100000003
2>1 NEWLEADER 0x200000000
1: durable epoch 2
1>2 ACK 0x200000000
2: serves epoch 2 from 0x200000000
2>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000003
1>2 ACK 0x200000000
3: looking
3: following 2
3>2 FOLLOWERINFO 0x100000000
2>3 LEADERINFO 0x200000000
3: durable accepted epoch 2
3>2 ACKEPOCH 0x100000001
2>3 SNAP 0x200000000
2>3 snapshot of 3 transactions

crash 2
run 1s
show 1 3
----
1: serves no longer
1: "server 2 closed the link"
1: looking
3: "server 2 closed the link"
3: looking
3: durable cut to 0x100000001
1: leading
3: following 1
3>1 FOLLOWERINFO 0x200000000
1: durable accepted epoch 3
1>3 LEADERINFO 0x300000000
3: durable accepted epoch 3
3>1 ACKEPOCH 0x100000001
1: durable epoch 3
1>3 SNAP 0x100000003
1>3 snapshot of 3 transactions
1>3 NEWLEADER 0x300000000
3: durable snapshot 0x100000003
3: durable epoch 3
3>1 ACK 0x300000000
1: serves epoch 3 from 0x300000000
1>3 UPTODATE 0xffffffffffffffff
3: serves epoch 3 from 0x100000003
3>1 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x100000003 of 3 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
3: accepted 3 epoch 3 snapshot 0x100000003 of 3 log [0x100000001/a 0x100000002/b 0x100000003/c] tree of 3
