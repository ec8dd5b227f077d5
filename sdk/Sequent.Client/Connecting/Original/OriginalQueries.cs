using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>
/// One query at a time, because answers do not say which query they answer. The bus selects by event types and whole seconds only; the rest is selected
/// here, so a key costs as much as all events of its types.
/// </summary>
internal sealed class OriginalQueries : IDisposable
{
    /// <summary>The original bus does not answer if its store fails; then the session is ended, and the query asked again in the next one.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Action<BusMessage> _dispatch;
    private readonly Action<ClientMessage> _sendLater;
    private readonly Func<IReadOnlyList<string>> _eventTypes;
    private readonly ITimer _patience;
    private readonly Lock _lock = new();
    private readonly Queue<QueryMessage> _waiting = [];
    private QueryMessage? _asked;
    private bool _isCancelled;

    /// <param name="dispatch">Takes the answers.</param>
    /// <param name="sendLater">Has a query sent when its turn comes.</param>
    /// <param name="eventTypes">The types that are asked for where a query names none.</param>
    /// <param name="giveUp">Ends the session.</param>
    /// <param name="time">The clock of the patience.</param>
    public OriginalQueries(Action<BusMessage> dispatch, Action<ClientMessage> sendLater, Func<IReadOnlyList<string>> eventTypes, Action giveUp, TimeProvider time)
    {
        (_dispatch, _sendLater, _eventTypes) = (dispatch, sendLater, eventTypes);
        _patience = time.CreateTimer(_ => giveUp(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public IEnumerable<ClientMessage> Send(QueryMessage query)
    {
        if (FeatureOf(query) is { } feature)
        {
            _dispatch(OriginalBus.CannotDo(feature, query.RequestId));
            return [];
        }

        lock (_lock)
        {
            if (_asked is not null)
            {
                _waiting.Enqueue(query);
                return [];
            }

            (_asked, _isCancelled) = (query, false);
            _patience.Change(Patience, Timeout.InfiniteTimeSpan);
        }

        return [query with { EventTypes = query.EventTypes is null or ["*"] ? _eventTypes() : query.EventTypes }];
    }

    public void Cancel(string requestId)
    {
        lock (_lock)
        {
            if (_asked?.RequestId == requestId)
            {
                _isCancelled = true;
                return;
            }

            var others = _waiting.Where(q => q.RequestId != requestId).ToArray();
            _waiting.Clear();
            foreach (var other in others)
                _waiting.Enqueue(other);
        }
    }

    /// <exception cref="ProtocolException">Nothing was asked.</exception>
    public void Receive(RebuildMessage answer)
    {
        QueryMessage asked;
        bool isWanted;
        lock (_lock)
        {
            asked = _asked ?? throw new ProtocolException(ErrorCodes.InvalidMessage, "The bus answered a query that was not asked.");
            (isWanted, _asked) = (!_isCancelled, null);
            _patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (_waiting.TryDequeue(out var next))
                _sendLater(next);
        }

        if (isWanted)
            _dispatch(new RebuildMessage([.. Select(answer.Events, asked)]) { RequestId = asked.RequestId, Last = true });
    }

    public void Dispose() => _patience.Dispose();

    private static string? FeatureOf(QueryMessage query)
    {
        if (query.Follow)
            return "Following the log, as projections do,";
        if (query.EventIds is not null)
            return "Looking events up by their ids";
        if (query.After > 0 || query.Until is not null || query.LogId is { Length: > 0 })
            return "Reading by positions";
        return null;
    }

    private static IEnumerable<WireEvent> Select(IReadOnlyList<WireEvent> events, QueryMessage query)
    {
        var selected = events.Where(e =>
            (query.Keys is null || query.Keys.Contains(e.Key))
            && (query.CorrelationId is null || query.CorrelationId == e.CorrelationId)
            && (query.Since is null || e.Time > query.Since));

        // Within a second the original bus keeps to no order; values of one key have one.
        if (query.Keys is [_])
            selected = selected.OrderBy(e => e.Value);
        if (query.Descending)
            selected = selected.Reverse();
        return query.Limit is { } limit ? selected.Take((int)Math.Min(limit, int.MaxValue)) : selected;
    }
}
