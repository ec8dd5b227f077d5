using System.Globalization;
using System.Runtime.CompilerServices;
using Sequent.Client.Connecting;
using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Reading;

/// <summary>
/// Reads the log over one connection, any number of queries at once. A query whose session is lost goes on after the last position it got; it
/// never mixes two logs. The bus sends no more pages ahead than it has credit for, so a slow reader holds nothing back but itself.
/// </summary>
internal sealed class LogReader(Connection connection, ClientTelemetry telemetry, TimeProvider time)
{
    /// <summary>Pages the bus may send ahead: a megabyte of events with a few hundred bytes of data, at most 16 MB where single events are as large as they may be.</summary>
    private const int Credit = 16;

    /// <summary>So many are taken before as many more are asked for.</summary>
    private const int PagesPerMore = Credit / 2;

    /// <summary>Besides the pages: caught up, and an error.</summary>
    private const int MaxAnswers = Credit + 2;

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
    private long _number;

    /// <summary>Reads everything selected, page by page.</summary>
    /// <exception cref="RequestFailedException">The bus refused the query, or its log is another one than at the first page.</exception>
    public async IAsyncEnumerable<LogPage> ReadAsync(QueryMessage query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (failures, events) = (0, 0L);

        // A follow has no end that could be waited for.
        using var querying = Instruments.IsSilent || query.Follow ? null : telemetry.Query(query);
        while (true)
        {
            var session = await connection.SessionAsync(cancellationToken).ConfigureAwait(false);
            using var exchange = session.Open(NextId("q"), MaxAnswers);
            await session.TrySendAsync(query with { RequestId = exchange.RequestId, Credit = Credit }, cancellationToken).ConfigureAwait(false);
            var isOpen = true;
            var taken = 0;
            try
            {
                while (await exchange.ReadAsync(cancellationToken).ConfigureAwait(false) is { } answer)
                {
                    if (answer is ErrorMessage error)
                    {
                        isOpen = false;
                        await FailOrPauseAsync(error, failures++, querying, cancellationToken).ConfigureAwait(false);
                        break;
                    }

                    var (page, last) = PageOf(answer, session.LogId);

                    // A follow whose end lies in the past is over when it has caught up.
                    last |= page.IsCaughtUp && page.Position >= query.Until;
                    isOpen = !last;
                    query = Advance(query, page);
                    (failures, events) = (0, events + page.Events.Count);
                    querying?.Activity?.SetTag(Tags.BatchCount, events);
                    yield return page;
                    if (last)
                        yield break;
                    if (page.IsCaughtUp || ++taken % PagesPerMore != 0)
                        continue;
                    await session.TrySendAsync(new MoreMessage(exchange.RequestId, PagesPerMore), cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                if (isOpen)
                    session.Cancel(exchange.RequestId);
            }
        }
    }

    /// <summary>The last values of keys, as one snapshot, and the log they are of.</summary>
    /// <exception cref="RequestFailedException">The bus refused the request.</exception>
    public async Task<(string LogId, IReadOnlyDictionary<string, uint?> Values)> ReadLastValuesAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            var session = await connection.SessionAsync(cancellationToken).ConfigureAwait(false);
            using var exchange = session.Open(NextId("s"), MaxAnswers);
            await session.TrySendAsync(new SequenceMessage(exchange.RequestId, keys), cancellationToken).ConfigureAwait(false);
            switch (await exchange.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                case SequencesMessage answer: return (session.LogId, answer.Values);
                case ErrorMessage error: await FailOrPauseAsync(error, failures++, querying: null, cancellationToken).ConfigureAwait(false); break;
            }
        }
    }

    private string NextId(string prefix) => prefix + Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);

    /// <summary>That a session has as many queries as the bus takes passes too, as soon as one of them is over.</summary>
    private Task FailOrPauseAsync(ErrorMessage error, int failures, Operation? querying, CancellationToken cancellationToken)
    {
        if (PassingErrors.Contains(error.Code) || error.Code == ErrorCodes.RateLimited)
            return Task.Delay(_backoff.Delay(failures), time, cancellationToken);
        querying?.Fail(error.Code);
        throw new RequestFailedException(error.Code, error.Message, error.Path);
    }

    private static (LogPage Page, bool Last) PageOf(BusMessage answer, string logId) => answer switch
    {
        RebuildMessage m => (new LogPage(logId, m.Position, m.Events), m.Last),
        CaughtUpMessage m => (new LogPage(logId, m.Position, [], IsCaughtUp: true), false),
        _ => throw new RequestFailedException(ErrorCodes.Internal, $"The bus answered a query with {answer.GetType().Name}."),
    };

    /// <summary>What remains to be read after a page.</summary>
    private static QueryMessage Advance(QueryMessage query, LogPage page) => query with
    {
        LogId = page.LogId,
        After = query.Descending ? query.After : page.Position,
        Until = query.Descending ? page.Position - 1 : query.Until,
        Limit = query.Limit - page.Events.Count is > 0 and var left ? left : query.Limit,
    };
}
