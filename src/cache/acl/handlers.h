// The handlers of ACL, one a subcommand.
#pragma once

namespace chorus::cache {

class Call;
void acl_cat(Call& call);
void acl_deluser(Call& call);
void acl_dryrun(Call& call);
void acl_genpass(Call& call);
void acl_getuser(Call& call);
void acl_help(Call& call);
void acl_list(Call& call);
void acl_load(Call& call);
void acl_log(Call& call);
void acl_save(Call& call);
void acl_setuser(Call& call);
void acl_users(Call& call);
void acl_whoami(Call& call);

}  // namespace chorus::cache
