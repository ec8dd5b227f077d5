using System.Security.Claims;
using Bank.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

internal static class UsersEndpoints
{
    public static void MapUsers(this IEndpointRouteBuilder app)
    {
        var open = app.MapGroup("").ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        open.MapPost("/register", RegisterAsync).ProducesProblem(StatusCodes.Status409Conflict);
        open.MapPost("/login", LogInAsync).ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status401Unauthorized);
        open.MapPost("/sessions/validate", ValidateAsync).ProducesProblem(StatusCodes.Status400BadRequest);

        var mine = open.MapGroup("").RequireAuthorization().ProducesProblem(StatusCodes.Status401Unauthorized);
        mine.MapPost("/logout", LogOutAsync);
        mine.MapGet("/users/me", Me);
        mine.MapPost("/users/me/accounts", RequestAccountAsync).TakesIdempotencyKey();
        mine.MapGet("/users/me/accounts/requests/{request_id:guid}", RequestStatusAsync).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created, ValidationProblem, ProblemHttpResult>> RegisterAsync(
        NameAndPassword body, Credentials credentials)
    {
        if (await credentials.FaultAsync(body.Username, body.Password) is (var field, var rule))
            return Problems.Field(field, rule);
        return await credentials.RegisterAsync(body.Username!, body.Password!)
            ? TypedResults.Created()
            : TypedResults.Problem("This name is taken.", statusCode: StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Ok<LoggedIn>, ProblemHttpResult>> LogInAsync(
        NameAndPassword body, Credentials credentials, Sessions sessions, CancellationToken cancellationToken)
    {
        if (await credentials.FaultAsync(body.Username, body.Password) is not null || !await credentials.AreRightAsync(body.Username!, body.Password!, cancellationToken))
            return TypedResults.Problem("Name or password is wrong.", statusCode: StatusCodes.Status401Unauthorized);
        var token = await sessions.OpenAsync(body.Username!, cancellationToken);
        return TypedResults.Ok(new LoggedIn(token, (int)Sessions.Lifetime.TotalSeconds));
    }

    private static async Task<NoContent> LogOutAsync(HttpRequest request, Sessions sessions, CancellationToken cancellationToken)
    {
        await sessions.CloseAsync(BearerTokens.TokenOf(request)!, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<SessionInfo>> ValidateAsync(TokenBody body, Sessions sessions, CancellationToken cancellationToken) =>
        TypedResults.Ok(await sessions.ValidateAsync(body.Token ?? "", cancellationToken));

    private static Ok<Customer> Me(ClaimsPrincipal user) =>
        TypedResults.Ok(new Customer(user.Identity!.Name!, [.. BearerTokens.AccountsOf(user)]));

    private static async Task<Accepted<RequestState>> RequestAccountAsync(
        ClaimsPrincipal user, [AsParameters] Idempotency idempotency, AccountRequests requests, CancellationToken cancellationToken)
    {
        var id = idempotency.EventId();
        idempotency.Http.Response.TellPosition([await requests.OpenAsync(id, user.Identity!.Name!, cancellationToken)]);
        // Pending also if this repeats a request whose account is there already: the same answer to the same request.
        return TypedResults.Accepted($"/users/me/accounts/requests/{id}", new RequestState(id, "pending", null));
    }

    private static async Task<Results<Ok<RequestState>, ProblemHttpResult>> RequestStatusAsync(
        [Microsoft.AspNetCore.Mvc.FromRoute(Name = "request_id")] Guid requestId, ClaimsPrincipal user, UsersDb db, CancellationToken cancellationToken)
    {
        var username = user.Identity!.Name;
        var request = await db.AccountRequests.SingleOrDefaultAsync(row => row.RequestId == requestId && row.Username == username, cancellationToken);
        return request is null ? Problems.Unknown("request") : TypedResults.Ok(new RequestState(request.RequestId, request.AccountId is null ? "pending" : "created", request.AccountId));
    }

    private sealed record NameAndPassword(string? Username, string? Password);

    private sealed record TokenBody(string? Token);

    private sealed record LoggedIn(string Token, int ExpiresIn);

    private sealed record Customer(string Username, IReadOnlyList<long> Accounts);

    private sealed record RequestState(Guid RequestId, string Status, long? AccountId);
}
