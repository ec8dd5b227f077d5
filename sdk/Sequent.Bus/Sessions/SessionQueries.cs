using System.Collections.Concurrent;
using Sequent.Bus.Delivering;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>The queries and follows of one session. They run beside its other messages, and send no more pages ahead than they have credit for.</summary>
internal sealed class SessionQueries(Outbox outbox, EventLog log, PageReader pages, Sequencer sequencer, IEventStore store, BusLimits limits, TimeProvider time, SessionLog sessionLog, CancellationToken sessionEnded)
{
    /// <summary>Queries under way in one session.</summary>
    private const int MaxOpen = 256;

    private const int DefaultCredit = 4;

    /// <summary>Pages of a session that are being read or wait for its socket, of all its queries. However much credit they have, the socket is the last word.</summary>
    private const int MaxPages = 4;

    /// <summary>A follow that finds nothing tells how far it is after so many positions or so much time.</summary>
    private const long QuietPositions = 100_000;

    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(10);

    private readonly TimeZoneInfo _zone = time.LocalTimeZone;
    private readonly Credits _room = new(MaxPages);
    private readonly ConcurrentDictionary<string, Run> _open = new(StringComparer.Ordinal);

    // Every run, also those without a request id and those that were cancelled and are just ending.
    private readonly ConcurrentDictionary<Run, bool> _runs = [];

    /// <summary>v1: one message with everything; runs in the order of the session's other answers.</summary>
    public async Task RunV1Async(QueryMessage query)
    {
        await outbox.WaitForRoomAsync(sessionEnded);
        // Whole seconds, strictly later.
        var after = query.Since is { } since ? await store.FindTimeAsync(((since.ToUnixTimeSeconds() + 1) * 1_000_000) - 1, sessionEnded) : 0;
        outbox.Post(new V1Rebuild(pages, new Selection(TypeFilter.Of(query.EventTypes), after, log.Head, limits.QueryPage)));
    }

    /// <summary>v2: starts a query or follow.</summary>
    /// <exception cref="ProtocolException">The query cannot be answered.</exception>
    public void Start(QueryMessage query)
    {
        if (query.LogId is { } logId && logId != log.LogId)
            throw new ProtocolException(ErrorCodes.LogChanged, $"The query is for log {logId}; this bus has log {log.LogId}. Start over from position 0.", "$.log_id");
        if (query.After > log.Head)
            throw new ProtocolException(ErrorCodes.PositionAhead, $"The log ends at position {log.Head}.", "$.after");
        if (_runs.Count >= MaxOpen)
            throw new ProtocolException(ErrorCodes.RateLimited, $"At most {MaxOpen} queries may be under way in a session.");
        var run = new Run(query.RequestId is null ? int.MaxValue : query.Credit ?? DefaultCredit, sessionEnded);
        if (query.RequestId is { } id && !_open.TryAdd(id, run))
            throw new ProtocolException(ErrorCodes.InvalidMessage, $"A query '{id}' is under way already.", "$.request_id");
        _runs.TryAdd(run, true);
        run.Running = RunAsync(query, run);
    }

    /// <summary>Ends every query and waits for them.</summary>
    public Task EndAsync()
    {
        foreach (var run in _runs.Keys)
            run.Cancel();
        return Task.WhenAll(_runs.Keys.Select(run => run.Running));
    }

    /// <summary>Grants further pages. A query that has ended meanwhile is ignored.</summary>
    public void More(MoreMessage message)
    {
        if (_open.TryGetValue(message.RequestId!, out var run))
            run.Grant(message.Pages);
    }

    /// <summary>Ends a query. One that has ended meanwhile is ignored.</summary>
    public void Cancel(CancelMessage message)
    {
        if (_open.TryRemove(message.RequestId!, out var run))
            run.Cancel();
    }

    /// <summary>Answers <c>sequence</c>.</summary>
    public async Task AnswerSequenceAsync(SequenceMessage message)
    {
        await outbox.WaitForRoomAsync(sessionEnded);
        var ends = sequencer.ReadKeys(message.Keys.ToHashSet(StringComparer.Ordinal));
        outbox.Post(new SequencesMessage(message.RequestId!, ends.ToDictionary(e => e.Key, e => e.Value?.Value, StringComparer.Ordinal)), ends.Sum(e => 100L + (2 * e.Key.Length)));
    }

    private async Task RunAsync(QueryMessage query, Run run)
    {
        // The reading loop must not be held up by what the store does.
        await Task.Yield();
        try
        {
            var selection = await SelectAsync(query, run.Cancelled);
            var goesOn = query.Follow && !(query.Until <= selection.Until);
            await SendPastAsync(query, selection, goesOn, run);
            if (goesOn)
                await FollowAsync(query, selection, run);
        }
        catch (OperationCanceledException)
        {
            // Cancelled, or the session ended.
        }
        catch (StoreException e)
        {
            outbox.Post(new ErrorMessage(ErrorCodes.StoreUnavailable, e.Message) { RequestId = query.RequestId });
        }
        catch (Exception e)
        {
            // A defect: it costs this query, and whoever waits for it has to know.
            sessionLog.Failed(e);
            outbox.Post(new ErrorMessage(ErrorCodes.Internal, "The bus failed on this query; its log tells why.") { RequestId = query.RequestId });
        }
        finally
        {
            if (query.RequestId is { } id)
                _open.TryRemove(KeyValuePair.Create(id, run));
            _runs.TryRemove(run, out _);
            if (run.HoldsRoom)
                _room.Grant(1);
            run.Dispose();
        }
    }

    /// <summary>Credit and room come before reading: a reader that pauses costs no page.</summary>
    private async Task SendPastAsync(QueryMessage query, Selection selection, bool goesOn, Run run)
    {
        await TakeRoomAsync(run);
        await foreach (var page in pages.ReadAsync(selection, run.Cancelled))
        {
            await SendAsync(query, page with { Last = page.Last && !goesOn }, run);

            // While it waits for credit the query holds nothing: what was sent is held by who sends it.
            page.Events.Clear();
            if (!page.Last)
                await TakeRoomAsync(run);
        }
    }

    /// <summary>The client's credit first: what waits for that must not keep others from being read.</summary>
    private async Task TakeRoomAsync(Run run)
    {
        await run.TakeCreditAsync();
        await _room.TakeAsync(run.Cancelled);
        run.HoldsRoom = true;
    }

    private void GiveRoomBack(Run run)
    {
        run.HoldsRoom = false;
        run.Grant(1);
        _room.Grant(1);
    }

    /// <summary>The room that was taken goes with a page, or is given back by the end of the query.</summary>
    private void Post(QueryMessage query, Page page, Run run)
    {
        run.HoldsRoom = false;
        outbox.Post(new QueryPage(query.RequestId, page, () => _room.Grant(1)));
    }

    private async ValueTask<Selection> SelectAsync(QueryMessage query, CancellationToken cancellationToken)
    {
        var after = query.After ?? 0;
        if (query.Since is { } since)
            after = Math.Max(after, await store.FindTimeAsync(since.ToMicros(), cancellationToken));
        return new Selection(
            TypeFilter.Of(query.EventTypes),
            after,
            Math.Min(query.Until ?? long.MaxValue, log.Head),
            Math.Min(query.PageSize ?? limits.QueryPage, limits.QueryPage))
        {
            Keys = query.Keys?.ToHashSet(StringComparer.Ordinal),
            EventIds = query.EventIds,
            CorrelationId = query.CorrelationId,
            Limit = query.Limit ?? long.MaxValue,
            Descending = query.Descending,
        };
    }

    /// <summary>The past is sent; now what comes. Always asks for what is after the position it has sent.</summary>
    private async Task FollowAsync(QueryMessage query, Selection past, Run run)
    {
        var requestId = query.RequestId!;
        var position = Math.Max(past.Until, past.After);
        await outbox.WaitForRoomAsync(run.Cancelled);
        outbox.Post(new CaughtUpMessage(requestId, position));
        var live = past with { Until = query.Until ?? long.MaxValue };
        var (told, toldAt) = (position, time.GetTimestamp());
        while (position < live.Until)
        {
            await WaitForMoreAsync(position, QuietTime - time.GetElapsedTime(toldAt), run.Cancelled);
            await TakeRoomAsync(run);
            var page = log.Released > position ? await pages.ReadNextAsync(live, position, run.Cancelled) : new Page([], position, false);
            position = page.Position;
            var isDue = position - told >= QuietPositions || time.GetElapsedTime(toldAt) >= QuietTime;
            if (page.Events.Count > 0 || position >= live.Until || (isDue && position > told))
                await SendAsync(query, page with { Last = position >= live.Until }, run);
            else
                GiveRoomBack(run);
            if (page.Events.Count > 0 || isDue)
                (told, toldAt) = (position, time.GetTimestamp());
        }
    }

    /// <summary>Completes when there is more, or nothing came for so long.</summary>
    private async Task WaitForMoreAsync(long position, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var quiet = new CancellationTokenSource(limit > TimeSpan.Zero ? limit : TimeSpan.FromMilliseconds(1), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
        try
        {
            await log.WaitBeyondAsync(position, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It is time to say that nothing came.
        }
    }

    /// <summary>Sends a page, in as many frames as it takes. Credit and room of the first one were taken already.</summary>
    private async ValueTask SendAsync(QueryMessage query, Page page, Run run)
    {
        var start = 0;
        do
        {
            if (start > 0)
                await TakeRoomAsync(run);
            var end = EndOfFrame(page.Events, start);
            var isWhole = end == page.Events.Count;
            await outbox.WaitForRoomAsync(run.Cancelled);
            var part = new Page([.. page.Events.Skip(start).Take(end - start)], isWhole ? page.Position : page.Events[end - 1].Position, isWhole && page.Last);
            Post(query, part, run);
            start = end;
        }
        while (start < page.Events.Count);
    }

    private int EndOfFrame(IList<StoredEvent> events, int start)
    {
        var end = start;
        for (var bytes = 0; end < events.Count; end++)
        {
            bytes += events[end].V2Body(_zone).Length + SessionSender.EventOverhead;
            if (end > start && bytes > SessionSender.FrameBytes)
                break;
        }

        return end;
    }

    /// <summary>A query under way.</summary>
    private sealed class Run : IDisposable
    {
        private readonly CancellationTokenSource _cancel;
        private readonly Credits _credit;

        public Run(int credit, CancellationToken sessionEnded)
        {
            _cancel = CancellationTokenSource.CreateLinkedTokenSource(sessionEnded);
            _credit = new Credits(credit);
            Cancelled = _cancel.Token;
        }

        public CancellationToken Cancelled { get; }

        /// <summary>It has room for a page that is not sent yet.</summary>
        public bool HoldsRoom { get; set; }

        public Task Running { get; set; } = Task.CompletedTask;

        public Task TakeCreditAsync() => _credit.TakeAsync(Cancelled);

        public void Grant(int pages) => _credit.Grant(pages);

        public void Cancel()
        {
            try
            {
                _cancel.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The query has just ended.
            }
        }

        public void Dispose() => _cancel.Dispose();
    }
}
