# The accepted epoch is durable before ACKEPOCH says so: a member that crashes in between has promised nothing to anybody.
ensemble voters=3
disk 1 epoch=1 log=0x100000001/a
disk 2 epoch=1 log=0x100000001/a
disk 3 epoch=1 log=0x100000001/a
start 1 2
stall 1
run 300ms
show 1
----
1: looking
2: looking
1: following 2
1>2 FOLLOWERINFO 0x100000000
2: leading
2: durable accepted epoch 2
2>1 LEADERINFO 0x200000000
1: accepted 1 epoch 1 snapshot 0x0 of 0 log [0x100000001/a] tree of 1

crash 1
start 3
run 15s
----
3: looking
2: "no quorum of followers came in time"
2: looking
2: following 3
2>3 FOLLOWERINFO 0x200000000
3: leading
3: durable accepted epoch 3
3>2 LEADERINFO 0x300000000
2: durable accepted epoch 3
2>3 ACKEPOCH 0x100000001
3: durable epoch 3
3>2 DIFF 0x100000001
3>2 NEWLEADER 0x300000000
2: durable epoch 3
2>3 ACK 0x300000000
3: serves epoch 3 from 0x300000000
3>2 UPTODATE 0xffffffffffffffff
2: serves epoch 3 from 0x100000001
2>3 ACK 0x300000000

start 1
run 1s
show 1
----
1: looking
1: following 3
1>3 FOLLOWERINFO 0x100000000
3>1 LEADERINFO 0x300000000
1: durable accepted epoch 3
1>3 ACKEPOCH 0x100000001
3>1 DIFF 0x100000001
3>1 NEWLEADER 0x300000000
1: durable epoch 3
1>3 ACK 0x300000000
3>1 UPTODATE 0xffffffffffffffff
1: serves epoch 3 from 0x100000001
1>3 ACK 0x300000000
1: accepted 3 epoch 3 snapshot 0x0 of 0 log [0x100000001/a] tree of 1
