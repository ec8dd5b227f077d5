using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Hosting;

/// <summary>Feeds one projection: follows the log from its checkpoint, page by page, and starts over when the bus has another log.</summary>
internal sealed partial class ProjectionHost(SequentClient client, IProjection projection, ProjectionProgress progress, TimeProvider time, ILogger<ProjectionHost> logger)
{
    // What fails is mostly a database that was away: once it is back nobody should wait long for the read model.
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    // The next page usually comes at once, so the bus is not asked before; and while nothing moves, less and less often.
    private readonly Backoff _looks = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
    private volatile Checkpoint? _reached;

    private string Name => projection.GetType().Name;

    /// <summary>Runs until stopped.</summary>
    public Task RunAsync(CancellationToken stopping) => Task.WhenAll(FollowAgainAndAgainAsync(stopping), projection.Types is null ? Task.CompletedTask : LookAheadAsync(stopping));

    private async Task FollowAgainAndAgainAsync(CancellationToken stopping)
    {
        for (var failures = 0; ;)
        {
            var before = progress.Position;
            try
            {
                await FollowAsync(stopping).ConfigureAwait(false);
            }
            catch (Exception) when (stopping.IsCancellationRequested || client.IsClosing)
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
        await using var items = client.FollowAsync(query, stopping).GetAsyncEnumerator(stopping);
        while (true)
        {
            try
            {
                if (!await items.MoveNextAsync().ConfigureAwait(false))
                    return;
            }
            catch (RequestFailedException e) when (e.Code is ErrorCodes.LogChanged or ErrorCodes.PositionAhead)
            {
                await StartOverAsync(checkpoint, stopping).ConfigureAwait(false);
                return;
            }

            // The bus has confirmed the log of the checkpoint: before, its position may be one of another log.
            if (!progress.IsFollowing)
            {
                _reached = checkpoint;
                progress.Begin(checkpoint?.Position ?? 0);
            }

            if (items.Current is EventPage page)
            {
                if (page.Events is [{ Time: var first }, ..])
                    progress.Behind(first);
                if (await ApplyAsync(page, checkpoint, stopping).ConfigureAwait(false) is not { } reached)
                {
                    ForgetProgress();
                    return;
                }

                _reached = checkpoint = reached;
                progress.MoveTo(reached.Position);
                if (page.Events is [.., { Time: var last }])
                    progress.Behind(progress.IsCaughtUp ? null : last);
            }
            else
            {
                progress.CatchUp();
            }
        }
    }

    /// <summary>The stored checkpoint is of another log than the bus has.</summary>
    private async Task StartOverAsync(Checkpoint? refused, CancellationToken stopping)
    {
        ForgetProgress();

        // Another instance with the same database may have started over already.
        if (await projection.LoadAsync(stopping).ConfigureAwait(false) != refused)
            return;
        LogReset(Name, refused?.LogId, refused?.Position);
        await projection.ResetAsync(stopping).ConfigureAwait(false);
        if (await projection.LoadAsync(stopping).ConfigureAwait(false) == refused && refused is not null)
            throw new InvalidOperationException($"{Name}.ResetAsync left the checkpoint where it was.");
    }

    private void ForgetProgress()
    {
        _reached = null;
        progress.Reset();
    }

    /// <summary>
    /// Looks, while somebody waits for a position, up to where the log has no event of the projection's types after what is applied: the page that passes such
    /// positions may come much later.
    /// </summary>
    private async Task LookAheadAsync(CancellationToken stopping)
    {
        try
        {
            for (var (looks, last) = (0, default((Checkpoint?, long?))); ;)
            {
                await progress.SomebodyWaitsAsync(stopping).ConfigureAwait(false);
                await Task.Delay(_looks.Delay(looks), time, stopping).ConfigureAwait(false);
                var (reached, wanted) = (_reached, progress.HighestWaitedFor);
                looks = last == (reached, wanted) ? looks + 1 : 0;
                last = (reached, wanted);
                if (reached is not null && wanted is { } until)
                    await LookAsync(reached, until, stopping).ConfigureAwait(false);
            }
        }
        catch (Exception) when (stopping.IsCancellationRequested || client.IsClosing)
        {
            // Nobody is told anything any more.
        }
    }

    private async Task LookAsync(Checkpoint reached, long until, CancellationToken stopping)
    {
        try
        {
            var query = new EventQuery { Types = projection.Types, After = reached.Position, Until = until, LogId = reached.LogId };
            progress.Clear(reached.Position, await client.ClearUpToAsync(query, stopping).ConfigureAwait(false));
        }
        catch (RequestFailedException)
        {
            // The bus has another log, which whoever follows is told as well.
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
            if (await ApplyAsync(page with { Events = events }, from, to, stopping).ConfigureAwait(false))
                return to;
            var stored = await projection.LoadAsync(stopping).ConfigureAwait(false);
            if (stored == from)
                throw new InvalidOperationException($"{Name}.ApplyAsync returned false, although the stored checkpoint is the one it was given.");
            if (stored is null || stored.LogId != page.LogId || stored.Position < from?.Position)
                return null;
            from = stored;
        }
    }

    private async ValueTask<bool> ApplyAsync(EventPage page, Checkpoint? from, Checkpoint to, CancellationToken stopping)
    {
        // Pages without events only move the checkpoint; they are nothing to look at.
        if (Instruments.IsSilent || page.Events.Count == 0)
            return await projection.ApplyAsync(page.Events, from, to, stopping).ConfigureAwait(false);
        using var processing = client.Telemetry.Process(page, Name);
        try
        {
            return await projection.ApplyAsync(page.Events, from, to, stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (processing.Fail(e))
        {
            throw;
        }
    }
}
