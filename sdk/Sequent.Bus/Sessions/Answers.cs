using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>A decided publish; its receipt is printed by the session's sender, not by the sequencer.</summary>
/// <param name="RequestId">The request's.</param>
/// <param name="Sender">The session's address.</param>
/// <param name="Result">What became of it.</param>
/// <param name="V1Events">v1: the events, whose checksums the receipt tells. They keep the whole message in memory, so others do not have them.</param>
internal sealed record DecidedPublish(string? RequestId, string Sender, PublishResult Result, IReadOnlyList<NewEvent>? V1Events)
{
    public static DecidedPublish Of(PublishRequest request, PublishResult result) =>
        new(request.Message.RequestId, request.Producer.Sender, result, request.Version == ProtocolVersion.V1 ? request.Message.Events : null);
}

/// <summary>A page of a v2 query.</summary>
/// <param name="RequestId">The query's.</param>
/// <param name="Page">The page.</param>
/// <param name="Left">Called when it is on its way.</param>
internal sealed record QueryPage(string? RequestId, Page Page, Action Left);

/// <summary>The whole answer to a v1 query: one message, sent in fragments as it is read.</summary>
internal sealed record V1Rebuild(PageReader Pages, Selection Selection);
