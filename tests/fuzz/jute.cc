#include <string>

#include "base/ensure.h"
#include "jute/records.h"
#include "jute/txns.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace jute;

/// What decodes encodes to octets that decode to the same: the first encoding may differ from the input (a null string reads as empty).
template <class T>
void round_trip(std::string_view input) {
  base::Reader in(input);
  const auto record = decode<T>(in);
  if (!record) return;
  ENSURE(in.offset() <= input.size());
  const std::string once = encode(*record);
  const auto again = decode<T>(once);
  ENSURE(again);
  ENSURE(encode(*again) == once);
}

template <class... Records>
void one_of(std::size_t which, std::string_view input) {
  std::size_t i = 0;
  ((i++ == which % sizeof...(Records) ? round_trip<Records>(input) : void()), ...);
}

}  // namespace

void fuzz_jute(std::string_view input) {
  if (input.empty()) return;
  one_of<RequestHeader, ConnectRequest, CreateRequest, CreateTtlRequest, PathVersionRequest, PathWatchRequest, PathRecord, SetDataRequest,
         SetAclRequest, ReconfigRequest, PathTypeRequest, AuthRequest, SetWatchesRequest, SetWatches2Request, MultiHeader, SaslToken,
         TxnHeader, TxnDigest, CreateTxn, CreateTxnV0, CreateContainerTxn, CreateTtlTxn, DeleteTxn, SetDataTxn, SetAclTxn, CheckVersionTxn,
         CreateSessionTxn, CloseSessionTxn, ErrorTxn, MultiTxn, StatPersisted, FileHeader, Stat, ConnectResponse, ReplyHeader, WatcherEvent,
         Create2Response, GetDataResponse, GetAclResponse, PathsResponse, GetChildren2Response, WhoAmIResponse>(
      static_cast<unsigned char>(input[0]), input.substr(1));
}

}  // namespace chorus::fuzz
