# An observer gets its history as proposals with commits, and from NEWLEADER on each transaction with its commit in one: INFORM. Its
# acknowledgements count for nothing.
ensemble voters=3 observers=1
disk 1 epoch=1 log=0x100000001/a,0x100000002/b
disk 2 epoch=1 log=0x100000001/a,0x100000002/b
disk 3 epoch=1 log=0x100000001/a,0x100000002/b
disk 4 epoch=1 log=0x100000001/a
start 1 2 3
run 1s
start 4
run 1s
----
1: looking
2: looking
3: looking
2: following 3
1: following 3
3: leading
2>3 FOLLOWERINFO 0x100000000
1>3 FOLLOWERINFO 0x100000000
3: durable accepted epoch 2
3>2 LEADERINFO 0x200000000
3>1 LEADERINFO 0x200000000
2: durable accepted epoch 2
1: durable accepted epoch 2
2>3 ACKEPOCH 0x100000002
1>3 ACKEPOCH 0x100000002
3: durable epoch 2
3>2 DIFF 0x100000002
3>2 NEWLEADER 0x200000000
3>1 DIFF 0x100000002
3>1 NEWLEADER 0x200000000
2: durable epoch 2
1: durable epoch 2
2>3 ACK 0x200000000
3: serves epoch 2 from 0x200000000
1>3 ACK 0x200000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 2 from 0x100000002
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 2 from 0x100000002
2>3 ACK 0x200000000
1>3 ACK 0x200000000
4: looking
4: observing 3
4>3 OBSERVERINFO 0x100000000
3>4 LEADERINFO 0x200000000
4: durable accepted epoch 2
4>3 ACKEPOCH 0x100000001
3>4 DIFF 0x100000002
3>4 PROPOSAL 0x100000002
3>4 COMMIT 0x100000002
4: commit 0x100000002
3>4 NEWLEADER 0x200000000
4: durable 0x100000002
4: durable epoch 2
4>3 ACK 0x200000000
3>4 UPTODATE 0xffffffffffffffff
4: serves epoch 2 from 0x100000002
4>3 ACK 0x200000000

stall 1 2
propose 3 c
run
----
3>2 PROPOSAL 0x200000001
3>1 PROPOSAL 0x200000001
3: durable 0x200000001

go 1
run
show 4
----
1: durable 0x200000001
1>3 ACK 0x200000001
3: commit 0x200000001
3>2 COMMIT 0x200000001
2: commit 0x200000001
3>1 COMMIT 0x200000001
1: commit 0x200000001
3>4 INFORM 0x200000001
4: commit 0x200000001
4: durable 0x200000001
4: accepted 2 epoch 2 snapshot 0x0 of 0 log [0x100000001/a 0x100000002/b 0x200000001/c] tree of 3
