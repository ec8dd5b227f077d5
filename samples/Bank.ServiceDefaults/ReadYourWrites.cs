using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client;

namespace Bank.ServiceDefaults;

/// <summary>
/// Read models may lag. Who has just written something sends back the position it got, and the answer has at least that: the read is
/// held back for up to two seconds.
/// </summary>
public static class ReadYourWrites
{
    public const string Header = "Sequent-Position";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Tells the caller where what it wrote stands in the log.</summary>
    public static void TellPosition(this HttpResponse response, IEnumerable<Receipt> receipts)
    {
        if (receipts.Max(receipt => receipt.Position) is { } position)
            response.TellPosition(position);
    }

    /// <summary>Tells the caller up to where in the log the answer knows.</summary>
    public static void TellPosition(this HttpResponse response, long position) => response.Headers[Header] = position.ToString(CultureInfo.InvariantCulture);

    /// <summary>A route that answers from a read model: 503 until it has read the whole log once, or if it does not come to a given position in time.</summary>
    public static RouteHandlerBuilder ReadsFrom<TProjection>(this RouteHandlerBuilder route)
        where TProjection : IProjection
    {
        return route.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var progress = http.RequestServices.GetRequiredService<ProjectionProgress<TProjection>>();
            if (!progress.IsCaughtUp)
                throw new ReadModelNotReadyException();
            if (http.Request.Headers[Header] is not { Count: > 0 } given)
                return await next(context);
            if (!long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                return Problems.Field(Header, "A position in the log, as an answer to a change has it.");
            return await IsReachedAsync(progress, position, http.RequestServices.GetRequiredService<TimeProvider>(), http.RequestAborted) ? await next(context) : Problems.NotReady($"The service has not read up to position {position} yet.");
        }).WithMetadata(Problems.FieldMetadata).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<bool> IsReachedAsync(ProjectionProgress progress, long position, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await progress.WaitForAsync(position, either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
