using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Protocol;

namespace Sequent.Client.Hosting;

/// <summary>Feeds one projection: follows the log from its checkpoint, page by page, and starts over when the bus has another log.</summary>
internal sealed partial class ProjectionHost(SequentClient client, IProjection projection, ProjectionProgress progress, TimeProvider time, ILogger<ProjectionHost> logger)
{
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30));

    // The next page usually comes at once, so the bus is not asked before.
    private readonly Backoff _looks = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
    private volatile Checkpoint? _reached;

    private string Name => projection.GetType().Name;

    /// <summary>Runs until stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        if (projection.Types is not null)
            progress.UntilClear = UntilClearAsync;
        for (var failures = 0; ;)
        {
            var before = progress.Position;
            try
            {
                await FollowAsync(stopping).ConfigureAwait(false);
            }
            catch (Exception) when (stopping.IsCancellationRequested || client.State == ConnectionState.Closed)
            {
                return;
            }
            catch (Exception e)
            {
                progress.Fail(e);
                failures = progress.Position == before ? failures + 1 : 0;
                LogFailed(Name, progress.Position, e);
                await Task.Delay(_backoff.Delay(failures), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Follows until the checkpoint has to be loaded anew.</summary>
    private async Task FollowAsync(CancellationToken stopping)
    {
        var checkpoint = await projection.LoadAsync(stopping).ConfigureAwait(false);
        var query = new EventQuery { Types = projection.Types, After = checkpoint?.Position, LogId = checkpoint?.LogId };
        try
        {
            await foreach (var item in client.FollowAsync(query, stopping).ConfigureAwait(false))
            {
                // The bus has confirmed the log of the checkpoint: before, its position may be one of another log.
                if (!progress.IsFollowing)
                    progress.Begin(checkpoint?.Position ?? 0);
                if (item is EventPage page)
                {
                    if (await ApplyAsync(page, checkpoint, stopping).ConfigureAwait(false) is not { } reached)
                        return;
                    checkpoint = reached;
                    _reached = reached;
                    progress.MoveTo(reached.Position);
                }
                else
                {
                    progress.CatchUp();
                }
            }
        }
        catch (RequestFailedException e) when (e.Code is ErrorCodes.LogChanged or ErrorCodes.PositionAhead)
        {
            _reached = null;
            progress.Reset();

            // Another instance with the same database may have started over already.
            if (await projection.LoadAsync(stopping).ConfigureAwait(false) != checkpoint)
                return;
            LogReset(Name, checkpoint?.LogId, checkpoint?.Position);
            await projection.ResetAsync(stopping).ConfigureAwait(false);
            if (await projection.LoadAsync(stopping).ConfigureAwait(false) == checkpoint && checkpoint is not null)
                throw new InvalidOperationException($"{Name}.ResetAsync left the checkpoint where it was.");
        }
    }

    /// <summary>Ends when the log has no event for it between what is applied and a position: who waits for the position need not wait for the page that passes it.</summary>
    private async Task UntilClearAsync(long position, CancellationToken cancellationToken)
    {
        for (var looks = 0; ; looks++)
        {
            await Task.Delay(_looks.Delay(looks), time, cancellationToken).ConfigureAwait(false);
            if (_reached is { } reached && await client.HasNoneAsync(new EventQuery { Types = projection.Types, After = reached.Position, Until = position, LogId = reached.LogId, Limit = 1 }, cancellationToken).ConfigureAwait(false))
                return;
        }
    }

    /// <summary>
    /// Applies a page, or what is left of it after another instance has applied some: instances that share a database are often at the same
    /// page, and need not follow anew for that. Null if the stored checkpoint went back or to another log.
    /// </summary>
    private async ValueTask<Checkpoint?> ApplyAsync(EventPage page, Checkpoint? from, CancellationToken stopping)
    {
        while (true)
        {
            if (from?.Position >= page.Position)
                return from;
            var to = new Checkpoint(page.LogId, page.Position);
            var events = from is { Position: > 0 } ? [.. page.Events.Where(e => e.Position > from.Position)] : page.Events;
            if (await projection.ApplyAsync(events, from, to, stopping).ConfigureAwait(false))
                return to;
            var stored = await projection.LoadAsync(stopping).ConfigureAwait(false);
            if (stored == from)
                throw new InvalidOperationException($"{Name}.ApplyAsync returned false, although the stored checkpoint is the one it was given.");
            if (stored is null || stored.LogId != page.LogId || stored.Position < from?.Position)
                return null;
            from = stored;
        }
    }
}
