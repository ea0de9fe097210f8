"""Every documented reason for which migrations fail, and the policies that see it beforehand.

The ids are those of the list that the project keeps of documentation, release notes and MTC's code.
A row has policies, or a reason why it has none: some things show only in a live test, are only
known to people, or are in no object; others are not covered yet, which the page says.
"""

from __future__ import annotations

from typing import NamedTuple

LIVE = "shows only in a live test"
PEOPLE = "only people can say"
UNSEEN = "not visible in the objects"
CONSOLE = "about the console or what follows a migration, not about whether it succeeds"
SLOW = "makes it slower, not fail"
OPEN = "not covered yet"
REASONS = {"live": LIVE, "people": PEOPLE, "unseen": UNSEEN, "console": CONSOLE, "slow": SLOW,
           "open": OPEN}  # fmt: skip


class KnownIssue(NamedTuple):
    """A reason to fail: its id, what goes wrong, and its policies or why there are none."""

    id: str
    title: str
    policies: tuple[str, ...]
    because: str


def _read(text: str) -> tuple[KnownIssue, ...]:
    found = []
    for line in text.strip().splitlines():
        number, title, last = (part.strip() for part in line.split("|"))
        because = REASONS.get(last, "")
        policies = () if because else tuple(f"MTC{word}" for word in last.split())
        found.append(KnownIssue(f"KI-{number}", title, policies, because))
    return tuple(found)


KNOWN_ISSUES = _read("""
001 | MTC 1.8 with OpenShift 3, or 4.9 and earlier | 404
002 | different MTC releases on the clusters | 403
003 | MTC 1.7 after the end of its maintenance | 404
004 | MTC 1.6 and earlier | 404 402
005 | MTC 1.4.6 on OpenShift 3.9 and 3.10 | 402 404
006 | broken image of the legacy operator 1.5.2 | 406
007 | MTC 1.8.13 and later keep OpenShift from 4.21 | 404
008 | wrong catalog on OpenShift 4.12 to 4.17 | 402 404
009 | plans of MTC 1.3 become direct | 201 203 502
010 | a legacy cluster as host | 404
011 | OADP's channel stays behind at an update | 826 821
012 | OADP of another release than MTC pairs with | 826
013 | OADP before 1.5 on OpenShift 4.19 | 826
014 | OADP 1.5 on OpenShift 4.18 and earlier | 826
015 | OADP 1.3.0 | 406 826
016 | no OADP in MTC's namespace | 826
017 | DaemonSet restic left beside node-agent | 823
018 | operator fails where OpenShift Virtualization is installed | 406
019 | DataProtectionApplication not made on OpenShift 4.6 | 406 827
020 | Velero asks for too much cpu | 822 406
021 | Velero's pod lacks the label that MTC looks for | 822 406
022 | Velero's image cannot be overridden | 402 801
023 | destination namespace starts with a digit | 406
024 | claims that are not selected are migrated | 406
025 | versions of CronJob that are not served | 719
026 | faults of indirect copies before 1.8 | 406
027 | a CA that is added to an existing repository | 406
028 | a CA that is taken back from a repository | live
029 | files are missing of workloads that are not stopped | 406
030 | mapped namespaces and direct volumes | 406
031 | no match for kind VirtualMachine | 406
032 | all image streams are copied despite a label selector | slow
033 | success is shown though volumes failed | live
034 | crash after the stage backup | 406
035 | console hangs on namespaces without claims | console
036 | limit range without min | 831
037 | faults of virtual machines before 1.8.12 | 406
038 | AWS plugin closes the file too early | 406
039 | old rsync in the operator | 402
040 | FIPS before 1.7.18 and 1.8.5 | 406
041 | several plans for one namespace, closed ones too | 716 856
042 | no running Velero pod with the label | 822
043 | Velero's Deployment lacks replicas | 822
044 | no agent on the node of a pod with volumes | 823
045 | restart of DaemonSet restic that is called node-agent | 823
046 | backup location unavailable on the destination | 824
047 | snapshot locations of several providers without default | 825
048 | DataProtectionApplication not reconciled | 827
049 | operator not Succeeded, or waiting for approval | 821
050 | controller killed for want of memory | 820
051 | pods of MTC do not run | 820 821 822
052 | olm_managed is wrong | 801
053 | setting keys missing of an old operator | 403
054 | MTC's namespace was created again, and the token is old | 711 771
055 | the token ends during the migration | 842
056 | controller restarts slowly on OpenShift 3.10 | slow
057 | a namespace of the plan is gone | 744
058 | one bad namespace or volume holds all others | 601 602
059 | rollback leaves objects behind | live
060 | choices for volumes are lost after a failed migration | unseen
061 | smaller faults of the console | console
062 | security fixes | 402
063 | certificate requests that wait | 847
064 | nodes not ready or under pressure | 846
065 | pods that do not run | 750
066 | volume that is being deleted | 601
067 | certificates that end during the migration | 858
068 | etcd is ill or slow | 847
069 | slow API server | live
070 | no working identity provider | 847
071 | registry on storage that is not fit | 857 201
072 | router or registry of OpenShift 3 below its replicas | 857 847
073 | API or controllers of OpenShift 3 down | 847
074 | cluster operators ill, or a rollout running | 847
075 | minimum hardware | slow
076 | not enough capacity for the pods | 850
077 | not enough space on storage or in the repository | 732 832
078 | slow network | live
079 | clocks differ | live
080 | no default storage class | 720 721
081 | no class for a kind of storage | 720 722 724
082 | DNS and load balancer of the application | console
083 | certificates of the application name the old domain | console
084 | firewalls to databases, registries and others | 502 503 504 506
085 | joined projects of OpenShift SDN | open
086 | subscription of nodes | people
087 | old builds and images | slow
088 | no backup taken | people
089 | dependencies in other namespaces | 701
090 | registry not exposed | 201 202 203
091 | slashes after the registry's host | 203
092 | builds cannot push | 851
093 | images that are in no image stream of the plan | 701
094 | old tags of namespace openshift | 701
095 | image triggers replace pods while files are copied | 849
096 | images of MTC cannot be pulled | live
097 | pull secret missing in the namespace | 838
098 | settings that leave images behind | 844
099 | Stunnel proxy missing, wrong, or two of them | 301 302 303
100 | proxy drops upgraded connections | 843
101 | network policies and egress firewalls | 506
102 | rsync's route not admitted | 852
103 | long names of destination namespaces | 742
104 | node selector of the namespace | 833
105 | zones and one transfer pod | 834
106 | more volumes than a node attaches | 834
107 | rsync cannot read the files | 836 755
108 | absolute symbolic links | unseen
109 | relabelling of large volumes | 859
110 | rsync gives up after 20 tries | 859
111 | load balancer resets long connections | live
112 | wrong rsync_opt_extras | 801
113 | NodePort without worker nodes | 834
114 | ClusterIP between two clusters | 502
115 | no capacity on the node of the application for rsync | 850
116 | quota of the source refuses rsync's pods | 830
117 | quota of the destination refuses rsync's pod | 830
118 | limit range that two containers cannot keep | 831
119 | IBM Cloud block volumes mounted twice | 406
120 | IBM Cloud VPC volumes in one zone | 834
121 | destination namespace is being deleted | 746
122 | claim on the destination is filled unchecked | 729
123 | resizing of volumes | 731
124 | full gp2 volume | live
125 | snapshots and block volumes with direct copies | 603
126 | restic_timeout | 849
127 | too many projects at once | 740
128 | NFS exports that squash root | 849
129 | certificate of repository or API | 501 773
130 | errors of verification do not fail the migration | live
131 | verification is slow | slow
132 | the first backup is not found | 501 824
133 | more than 400 plans on Azure | 406
134 | restricted network allows one repository only | 501
135 | checksum algorithm of MCG | 406
136 | repository emptied | live
137 | Velero restarts while a backup runs | 822
138 | pod security refuses the restore's init container | 849
139 | kinds missing on the destination | 719
140 | webhooks refuse objects | 855
141 | older destination | 719
142 | DeploymentConfigs with files through the repository | 849
143 | large restores time out | 849
144 | azurefile and Cinder restores | 406
145 | snapshots in another region | 613
146 | credentials of workload identity | 406
147 | restic is deprecated | slow
148 | cache of the agents fills the node | 846
149 | harmless message about the location | console
150 | something starts the application again | 840
151 | pods that are not stopped | 840
152 | pods that are being deleted and do not go | 840
153 | state migrations do not stop the application | 840
154 | plan's name too long | 848
155 | name of a hook's container too long | 848
156 | account of a hook missing | 841
157 | label selector leaves things out | 845
158 | includedResources | 718
159 | settings that leave data behind | 844
160 | operators stay behind | 839
161 | instances of catalogs and templates | 839
162 | classes and constraints that belong to the cluster | 838 837 721
163 | constraints not brought from or to 4.12 | 837
164 | restricted becomes restricted-v2 | 837
165 | ids of namespaces collide | 715
166 | quotas over several namespaces | 832
167 | namespaces that exist already | 746
168 | host of a route is kept | 756
169 | limits of pods, volumes and namespaces | 730 740 751
170 | plans run one after the other | slow
171 | stateful set keeps the old class | 853
172 | conversion scales down other workloads | 853
173 | stateful set with a long name | 853
174 | names and classes of a conversion | 726 727
175 | EFS and volume types | 601 722
176 | conditions of snapshots | 611 612 613 614
177 | disks of virtual machines | 854
178 | virtual machines into another namespace | 854
179 | controller started before OpenShift Virtualization | 820
180 | release and settings of OpenShift Virtualization | 785
181 | staging skips machines that run | 854
182 | console and certificates of its login | console
""")
