# Server 2 acknowledged b and lost its disk; server 1 never had it. The two elect nobody: with 3, who has it, all is well.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a,0x100000002/b
disk 2 empty
start 1 2
run 5s
----
1: looking
2: looking

start 3
run 10s
show 1 2 3
----
3: looking
1: following 3
2: following 3
1>3 FOLLOWERINFO 0x100000000
2>3 FOLLOWERINFO 0x0
3: leading
3: durable accepted epoch 2
3>1 LEADERINFO 0x200000000
3>2 LEADERINFO 0x200000000
1: durable accepted epoch 2
2: durable accepted epoch 2
1>3 ACKEPOCH 0x100000001
2>3 ACKEPOCH 0x0
3: durable epoch 2
3>1 DIFF 0x100000002
3>1 PROPOSAL 0x100000002
3>1 COMMIT 0x100000002
1: commit 0x100000002
3>1 NEWLEADER 0x200000000
1: durable 0x100000002
3>2 SNAP 0x100000002
3>2 snapshot of 2 transactions
3>2 NEWLEADER 0x200000000
1: durable epoch 2
2: durable snapshot 0x100000002
1>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
2: durable epoch 2
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000002
2>3 ACK 0x200000000
1>3 ACK 0x200000000
1>3 ACK 0x100000002
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 2 from 0x100000002
2>3 ACK 0x200000000
1: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
2: accepted 2 epoch 2 snapshot 0x100000002 of 2 log [0x100000001/a 0x100000002/b] tree of 2
3: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b] tree of 2
