using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Sequent.Bus.Operating;

/// <summary>
/// Operating the bus over HTTP. Names of client types and keys are free text, so they come as query parameters. Only programs on the bus's
/// own machine may ask, and no page of a browser: there is no authentication yet.
/// </summary>
internal static class AdminEndpoints
{
    public static void Map(RouteGroupBuilder admin, SequentBus bus)
    {
        var operations = new Operator(bus);
        admin.AddEndpointFilter(async (context, next) => Refusal(context.HttpContext) ?? await GuardAsync(context, next));
        MapClientTypes(admin, operations, bus);
        MapDeadLetters(admin, operations);
        MapSessions(admin, operations);
        admin.WithMetadata(new IsAdminRequest());
        AdminRequests.Map(admin);
    }

    private static void MapClientTypes(RouteGroupBuilder admin, Operator operations, SequentBus bus)
    {
        admin.MapGet("/client-types", async (CancellationToken cancellationToken) =>
            Json(await operations.ListClientTypesAsync(cancellationToken), AdminJson.Readable.IReadOnlyListClientTypeView));
        admin.MapGet("/client-type", async (string name, CancellationToken cancellationToken) =>
            Found(await operations.FindClientTypeAsync(name, cancellationToken), AdminJson.Readable.ClientTypeView, NoClientType(name)));
        admin.MapDelete("/client-type", async (string name, CancellationToken cancellationToken) => await operations.ForgetAsync(name, cancellationToken) switch
        {
            null => NoClientType(name),
            false => Fault(StatusCodes.Status409Conflict, $"'{name}' has live instances; stop them first."),
            true => Done($"'{name}' is forgotten, with all it owed and its dead letters."),
        });
        admin.MapPost("/client-type/reset", async (string name, string position, CancellationToken cancellationToken) =>
        {
            if (ParsePosition(position, bus.Log.Head) is not { } start)
                return Fault(StatusCodes.Status400BadRequest, $"position must be earliest, latest, or a number from 0 to {bus.Log.Head}, after which '{name}' goes on.");
            return await operations.ResetAsync(name, start, cancellationToken) ? Done($"'{name}' goes on after position {start}.") : NoClientType(name);
        });
        admin.MapGet("/client-type/key", async (string name, string key, CancellationToken cancellationToken) =>
            Found(await operations.DescribeKeyAsync(name, key, cancellationToken), AdminJson.Readable.KeyStatus, NoClientType(name)));
    }

    private static void MapDeadLetters(RouteGroupBuilder admin, Operator operations)
    {
        admin.MapGet("/dead-letters", async (string name, long? after, int? max, CancellationToken cancellationToken) =>
            Found(await operations.ListDeadLettersAsync(name, after ?? 0, Math.Max(1, max ?? 100), cancellationToken), AdminJson.Readable.IReadOnlyListDeadLetterView, NoClientType(name)));
        admin.MapGet("/dead-letter", async (string name, long position, CancellationToken cancellationToken) =>
            Found(await operations.FindDeadLetterAsync(name, position, cancellationToken), AdminJson.Readable.DeadLetterView, NoLetter(name, position)));
        admin.MapPost("/dead-letter/redrive", async (string name, long position, CancellationToken cancellationToken) =>
            await operations.RedriveAsync(name, position, cancellationToken) ? Done($"The event at position {position} is on its way to '{name}' again.") : NoLetter(name, position));
        admin.MapDelete("/dead-letter", async (string name, long position, CancellationToken cancellationToken) =>
            await operations.DropAsync(name, position, cancellationToken) ? Done($"The dead letter at position {position} of '{name}' is dropped; the event stays in the log.") : NoLetter(name, position));
    }

    private static void MapSessions(RouteGroupBuilder admin, Operator operations)
    {
        admin.MapGet("/sessions", async (CancellationToken cancellationToken) =>
            Json(await operations.ListSessionsAsync(cancellationToken), AdminJson.Readable.IReadOnlyListSessionView));
        admin.MapGet("/session", async (string id, CancellationToken cancellationToken) =>
            Found(await operations.ListHeldAsync(id, cancellationToken), AdminJson.Readable.IReadOnlyListHeldEvent, NoSession(id)));
        admin.MapDelete("/session", async (string id) =>
            await operations.KickAsync(id) ? Done($"Session {id} is being ended; what it held moves on.") : NoSession(id));
    }

    private static async ValueTask<object?> GuardAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (StoreException e)
        {
            return Fault(StatusCodes.Status503ServiceUnavailable, e.Message);
        }
        catch (OperationCanceledException) when (!context.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return Fault(StatusCodes.Status503ServiceUnavailable, "The bus is stopping, or the client type was just forgotten.");
        }
    }

    private static IResult? Refusal(HttpContext context) => LocalCaller.Is(context.Request)
        ? null
        : Fault(StatusCodes.Status403Forbidden, "The bus is operated from its own machine only, by its loopback address, not through a proxy and not by web pages.");

    private static long? ParsePosition(string text, long head) => text switch
    {
        "earliest" => 0,
        "latest" => head,
        _ => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position <= head ? position : null,
    };

    private static IResult Found<T>(T? value, JsonTypeInfo<T> type, IResult otherwise)
        where T : class => value is null ? otherwise : Json(value, type);

    public static IResult Json<T>(T value, JsonTypeInfo<T> type) => Results.Json(value, type);

    private static IResult Done(string what) => Results.Json(new AdminDone(what), AdminJson.Readable.AdminDone);

    public static IResult Fault(int status, string why) => Results.Json(new AdminFault(why), AdminJson.Readable.AdminFault, statusCode: status);

    private static IResult NoClientType(string name) => Fault(StatusCodes.Status404NotFound, $"There is no client type '{name}'.");

    private static IResult NoLetter(string name, long position) => Fault(StatusCodes.Status404NotFound, $"'{name}' has no dead letter at position {position}.");

    private static IResult NoSession(string id) => Fault(StatusCodes.Status404NotFound, $"There is no session {id}.");
}
