using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;

namespace Sequent.Bus.Sessions;

/// <summary>A decided publish; its receipt is printed by the session's sender, not by the sequencer.</summary>
internal sealed record DecidedPublish(PublishRequest Request, PublishResult Result);

/// <summary>A page of a v2 query.</summary>
internal sealed record QueryPage(string? RequestId, Page Page);

/// <summary>The whole answer to a v1 query: one message, sent in fragments as it is read.</summary>
internal sealed record V1Rebuild(PageReader Pages, Selection Selection);
